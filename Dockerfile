# The service without the embedded engine: it stores in the ClickHouse server that CLICKHOUSE_URL names.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No production dependency needs an install script; the "node" package would only bring a second Node.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && rm -rf node_modules/node node_modules/.bin

FROM node:24-slim
ENV VIGIE_RULES=/app/rules \
    VIGIE_DATA_DIR=/data \
    VIGIE_HTTP_HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
# What `vigie demo --compare` compares with.
COPY docs/examples ./docs/examples
COPY bin ./bin
# With rules/lists: the lookup lists that the rules name, without rows of yours (VIGIE_LISTS).
COPY rules ./rules
COPY mappings ./mappings
COPY replay ./replay
COPY src ./src
RUN mkdir /data && chown 1000:1000 /data && ln -s /app/bin/vigie.js /usr/local/bin/vigie
# The image's user "node", by number: Kubernetes refuses a name where runAsNonRoot is asked for.
USER 1000:1000
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.VIGIE_HTTP_PORT||9464)+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# Node is the first process and gets the stop signal itself.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--disable-warning=ExperimentalWarning", "src/cli/main.ts"]
CMD ["run"]
