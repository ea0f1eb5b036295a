FROM a
RUN ["/bin/bash", "-c", "echo hello"]
RUN [ "sh" , "-c" , "echo $HOME \"quoted\" \\ \u00e9" ]
RUN [ -f /etc/os-release ] && echo yes
RUN ["not json', ]
