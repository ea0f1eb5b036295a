# fish completion for kelp; made by: kelp completion fish
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
    printf '%s\n' $answer
end
complete -c kelp -e
complete -c kelp -f -a '(__kelp_complete)'
