/** The shells' scripts: each asks `kelp __complete` what could follow, so they never go stale. */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const BASH = `# bash completion for kelp; made by: kelp completion bash
__kelp_complete() {
    local cur words cword line
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n "=:" cur words cword
    else
        line=\${COMP_LINE:0:COMP_POINT}
        read -r -a words <<<"$line"
        [[ $line == *[[:space:]] ]] && words+=("")
        cword=$((\${#words[@]} - 1))
        cur=\${words[cword]}
    fi
    local answer directive suggestions=()
    answer=$("\${words[0]}" __completeNoDesc "\${words[@]:1:cword}" 2>/dev/null) || return
    directive=\${answer##*:}
    answer=\${answer%:*}
    [[ -n $answer ]] && mapfile -t suggestions <<<"\${answer%$'\\n'}"
    if ((\${#suggestions[@]} == 0)); then
        ((directive & 4)) && return
        ((directive & 16)) && compopt -o dirnames || compopt -o default
        return
    fi
    ((directive & 2)) && compopt -o nospace
    # bash splits words at = and :, so it expects the part behind the last of them only.
    local lead=\${cur%"\${cur##*[=:]}"} suggestion
    COMPREPLY=()
    for suggestion in "\${suggestions[@]}"; do
        COMPREPLY+=("\${suggestion#"$lead"}")
    done
    ((directive & 4)) && return
    # Files of the host are offered beside them; readline quotes and closes only those that it finds itself.
    local file kinds=-f
    ((directive & 16)) && kinds=-d
    while IFS= read -r file; do
        [[ -d $file ]] && file+=/
        printf -v file %q "$file"
        COMPREPLY+=("$file")
    done < <(compgen "$kinds" -- "$cur")
    [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -F __kelp_complete kelp
`;

const ZSH = `#compdef kelp
# zsh completion for kelp; made by: kelp completion zsh
_kelp() {
    local -a lines rows open
    local line directive word
    lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=\${lines[-1]#:}
    for line in "\${(@)lines[1,-2]}"; do
        word=\${line%%$'\\t'*}
        word=\${word//:/\\\\:}
        [[ $line == *$'\\t'* ]] && word+=":\${line#*$'\\t'}"
        # A word that is to be typed on gets no space.
        if [[ \${line%%$'\\t'*} == *[.=:/] ]]; then
            open+=("$word")
        elif [[ -n $line ]]; then
            rows+=("$word")
        fi
    done
    local ret=1
    (( \${#open} )) && _describe 'kelp' open -S '' && ret=0
    (( \${#rows} )) && _describe 'kelp' rows && ret=0
    if (( ! (directive & 4) )); then
        if (( directive & 16 )); then _files -/ && ret=0; else _files && ret=0; fi
    fi
    return ret
}
if [[ "$funcstack[1]" == "_kelp" ]]; then
    _kelp "$@"
else
    compdef _kelp kelp
fi
`;

const FISH = `# fish completion for kelp; made by: kelp completion fish
function __kelp_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($tokens[1] __complete $tokens[2..-1] "$current" 2>/dev/null)
    set -l directive (string replace -r '^:' '' -- $answer[-1])
    set -e answer[-1]
    test (count $answer) -gt 0; and printf '%s\\n' $answer
    if test (math "floor($directive / 16) % 2") -eq 1
        __fish_complete_directories "$current" ''
    else if test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path "$current"
    end
end
complete -c kelp -e
complete -c kelp -f -a '(__kelp_complete)'
`;

/**
 * The script of one shell.
 *
 * @param program the name it completes: that of a link to kelp, maybe
 */
export function completionScript(shell: Shell, program = "kelp", described = true): string {
  const script = { bash: BASH, zsh: ZSH, fish: FISH }[shell];
  const named =
    program === "kelp" ? script : script.replaceAll(/\bkelp\b/g, program).replaceAll("_kelp", `_${program}`);
  return described ? named : named.replaceAll("__complete ", "__completeNoDesc ");
}
