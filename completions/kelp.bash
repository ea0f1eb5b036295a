# bash completion for kelp; made by: kelp completion bash
__kelp_complete() {
    local cur words cword line
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n "=:" cur words cword
    else
        line=${COMP_LINE:0:COMP_POINT}
        read -r -a words <<<"$line"
        [[ $line == *[[:space:]] ]] && words+=("")
        cword=$((${#words[@]} - 1))
        cur=${words[cword]}
    fi
    local answer directive suggestions=()
    answer=$("${words[0]}" __completeNoDesc "${words[@]:1:cword}" 2>/dev/null) || return
    directive=${answer##*:}
    answer=${answer%:*}
    [[ -n $answer ]] && mapfile -t suggestions <<<"${answer%$'\n'}"
    if ((${#suggestions[@]} == 0)); then
        ((directive & 4)) && return
        ((directive & 16)) && compopt -o dirnames || compopt -o default
        return
    fi
    ((directive & 2)) && compopt -o nospace
    # bash splits words at = and :, so it expects the part behind the last of them only.
    local lead=${cur%"${cur##*[=:]}"} suggestion
    COMPREPLY=()
    for suggestion in "${suggestions[@]}"; do
        COMPREPLY+=("${suggestion#"$lead"}")
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
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -F __kelp_complete kelp
