#compdef kelp
# zsh completion for kelp; made by: kelp completion zsh
_kelp() {
    local -a lines rows
    local line directive word
    lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=${lines[-1]#:}
    for line in "${(@)lines[1,-2]}"; do
        word=${line%%$'\t'*}
        word=${word//:/\\:}
        if [[ $line == *$'\t'* ]]; then
            rows+=("$word:${line#*$'\t'}")
        elif [[ -n $line ]]; then
            rows+=("$word")
        fi
    done
    if (( ${#rows} == 0 )); then
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
