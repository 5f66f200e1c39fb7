FROM oven/bun:1.4.5-alpine AS packages
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production

FROM oven/bun:1.4.5-alpine
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json tsconfig.json LICENSE ./
COPY drizzle drizzle
COPY src src
RUN mkdir /data && chown bun:bun /data

USER bun
ENV NODE_ENV=production \
    SIGNALBOX_HOST=0.0.0.0 \
    SIGNALBOX_PORT=4747 \
    SIGNALBOX_DATA_DIR=/data
VOLUME /data
EXPOSE 4747
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
  CMD ["bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.SIGNALBOX_PORT}/healthz`)).ok ? 0 : 1)"]
CMD ["bun", "--config=/dev/null", "--no-env-file", "src/main.ts"]
