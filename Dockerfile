# Serves artifacts (docs/serving.md, "In a container"):
#   docker build -t tributary .
#   docker run -p 8080:8080 -v "$PWD/artifacts/shop:/artifact:ro" tributary
# test/serve/container/container.slow.test.ts replays these steps without Docker.
ARG NODE=20-slim

FROM node:${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.js scripts/
COPY src src
RUN node scripts/build.js

# What serving needs: no database, no binaries of other platforms.
FROM node:${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
RUN rm -rf node_modules/@duckdb node_modules/.bin
RUN cd node_modules/onnxruntime-node/bin/napi-v6 && find . -mindepth 2 -maxdepth 2 ! -path "./linux/$(node -p process.arch)" -exec rm -rf {} +

FROM node:${NODE}
ENV NODE_ENV=production
ENV TRIBUTARY_BACKEND=node
WORKDIR /app
COPY package.json LICENSE ./
COPY bin bin
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/v2/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/tributary.js"]
CMD ["serve", "/artifact", "--host", "0.0.0.0", "--port", "8080"]
