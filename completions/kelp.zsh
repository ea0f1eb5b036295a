#compdef kelp
# zsh completion for kelp; made by: kelp completion zsh
_kelp() {
    local -a lines rows open
    local line directive word
    lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=${lines[-1]#:}
    for line in "${(@)lines[1,-2]}"; do
        word=${line%%$'\t'*}
        word=${word//:/\\:}
        [[ $line == *$'\t'* ]] && word+=":${line#*$'\t'}"
        # A word that is to be typed on gets no space.
        if [[ ${line%%$'\t'*} == *[.=:/] ]]; then
            open+=("$word")
        elif [[ -n $line ]]; then
            rows+=("$word")
        fi
    done
    local ret=1
    (( ${#open} )) && _describe 'kelp' open -S '' && ret=0
    (( ${#rows} )) && _describe 'kelp' rows && ret=0
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
