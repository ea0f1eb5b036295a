FROM node:20
ONBUILD ARG NODE_ENV
ONBUILD ENV NODE_ENV $NODE_ENV
ONBUILD COPY package*.json ./
ONBUILD RUN npm ci && npm cache clean --force
ONBUILD COPY --chown=node . .
onbuild user node
CMD [ "npm", "start" ]
