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
}
complete -F __kelp_complete kelp
`;

const ZSH = `#compdef kelp
# zsh completion for kelp; made by: kelp completion zsh
_kelp() {
    local -a lines rows
    local line directive word
    lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=\${lines[-1]#:}
    for line in "\${(@)lines[1,-2]}"; do
        word=\${line%%$'\\t'*}
        word=\${word//:/\\\\:}
        if [[ $line == *$'\\t'* ]]; then
            rows+=("$word:\${line#*$'\\t'}")
        elif [[ -n $line ]]; then
            rows+=("$word")
        fi
    done
    if (( \${#rows} == 0 )); then
        (( directive & 4 )) && return 1
        if (( directive & 16 )); then _files -/; else _files; fi
        return
    fi
    if (( directive & 2 )); then
        _describe 'kelp' rows -S ''
    else
        _describe 'kelp' rows
    fi
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
    if test (count $answer) -eq 0
        contains -- "$directive" 4; and return
        __fish_complete_path "$current"
        return
    end
    printf '%s\\n' $answer
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
