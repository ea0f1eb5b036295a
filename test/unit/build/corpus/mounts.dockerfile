FROM x
RUN --mount=type=secret,id=aws,target=/root/.aws/credentials,mode=0400,required aws s3 cp x y
RUN --mount=type=ssh --network=none git clone git@example.com:a/b
RUN --mount=type=tmpfs,target=/tmp,size=64m --mount=type=cache,id=a,sharing=locked,target=/c true
RUN --network=default --security=sandbox true
