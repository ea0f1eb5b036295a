FROM node:22 AS base
ENV PNPM_HOME="/pnpm" PATH="/pnpm:$PATH"
RUN corepack enable
FROM base AS build
COPY --parents ./package.json ./pnpm-lock.yaml ./packages/*/package.json /repo/
WORKDIR /repo
RUN --mount=type=cache,id=pnpm,target=/pnpm/store pnpm fetch --prod
COPY . /repo
RUN pnpm deploy --filter=api --prod /prod/api && pnpm deploy --filter=web --prod /prod/web
FROM base AS api
COPY --from=build /prod/api /app
CMD [ "pnpm", "start" ]
FROM base AS web
COPY --from=build /prod/web /app
CMD [ "pnpm", "start" ]
