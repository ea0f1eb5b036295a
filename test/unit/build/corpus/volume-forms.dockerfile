FROM a
VOLUME /a
VOLUME /b /c
VOLUME ["/d"]
VOLUME [ "/e", "/f g" ]
VOLUME ${HOME}/x
