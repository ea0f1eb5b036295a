FROM a
RUN --network=none pip install --find-links wheels x
RUN --network=host --security=sandbox true
RUN --mount=type=secret,id=aws,target=/root/.aws/credentials,mode=0400,uid=1000,required aws s3 cp x y
RUN --mount=type=secret,id=TOKEN,env=API_TOKEN curl -H "Authorization: $API_TOKEN" https://example.com
RUN --mount=target=/ctx,rw --mount=type=tmpfs,target=/scratch,size=64m make -C /ctx
RUN --mount=type=cache,id=apt-$TARGETARCH,target=/var/cache/apt,sharing=locked,from=base,source=/seed apt-get update
RUN --mount=type=bind,from=tools,source=/bin/tool,target=/bin/tool --mount=type=ssh tool
