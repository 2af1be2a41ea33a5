# syntax=docker/dockerfile:1

# One image with every program of the house; the command says which one runs.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked \
        --package atlas-api --package atlas-worker --package atlas-cli --package atlas-graph-sim \
    && mkdir /programs \
    && cp target/release/atlas target/release/atlas-api target/release/atlas-worker \
        target/release/atlas-graph-sim /programs/

FROM debian:bookworm-slim
# Microsoft Graph is reached over TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent atlas
COPY --from=build /programs/ /usr/local/bin/
USER 10001
CMD ["atlas-api", "serve"]
