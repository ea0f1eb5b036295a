# syntax=docker/dockerfile:1
ARG CUDA=12.4.1
FROM nvidia/cuda:${CUDA}-cudnn-runtime-ubuntu22.04
ARG DEBIAN_FRONTEND=noninteractive
RUN rm -f /etc/apt/apt.conf.d/docker-clean; echo 'Binary::apt::APT::Keep-Downloaded-Packages "true";' > /etc/apt/apt.conf.d/keep-cache
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
  --mount=type=cache,target=/var/lib/apt,sharing=locked \
  apt-get update && apt-get --no-install-recommends install -y python3-pip git
RUN --mount=type=cache,target=/root/.cache/pip pip3 install 'torch>=2.3,<3' "transformers[torch]" --extra-index-url https://download.example.org/whl/cu124
COPY --link train.py /workspace/
WORKDIR /workspace
ENTRYPOINT ["python3", "-m", "torch.distributed.run", "--nproc_per_node=1"]
CMD ["train.py", "--epochs", "3"]
