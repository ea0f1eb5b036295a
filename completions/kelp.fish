# fish completion for kelp; made by: kelp completion fish
function __kelp_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($tokens[1] __complete $tokens[2..-1] "$current" 2>/dev/null)
    set -l directive (string replace -r '^:' '' -- $answer[-1])
    set -e answer[-1]
    test (count $answer) -gt 0; and printf '%s\n' $answer
    if test (math "floor($directive / 16) % 2") -eq 1
        __fish_complete_directories "$current" ''
    else if test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path "$current"
    end
end
complete -c kelp -e
complete -c kelp -f -a '(__kelp_complete)'
