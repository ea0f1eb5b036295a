FROM a
ARG A="quoted value"
ARG B='single quoted'
ARG C=with\ space
ARG D= E=${A}-${B} F
ARG HTTP_PROXY
