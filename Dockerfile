# syntax=docker/dockerfile:1

# The image that stands last has the programs of an installation; the command says which one runs.
# Before it, --target selects others:
#
#   docker build --target debug --output debug .    what was stripped from the programs, for debuggers
#   docker build --target graph-sim .               the simulated Microsoft Graph

FROM rust:1.95.0-bookworm AS source
WORKDIR /src
COPY . .

FROM source AS build
# The metric atlas_build_info names it: docker build --build-arg ATLAS_COMMIT=$(git rev-parse HEAD)
ARG ATLAS_COMMIT=unknown
# What is stripped from a program goes into a file that the program names to debuggers.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package atlas-api --package atlas-worker --package atlas-cli \
    && mkdir /programs /debug \
    && for program in atlas atlas-api atlas-worker; do \
        objcopy --only-keep-debug "target/release/$program" "/debug/$program.debug" \
        && strip --strip-all -o "/programs/$program" "target/release/$program" \
        && objcopy --add-gnu-debuglink="/debug/$program.debug" "/programs/$program" \
        || exit 1; \
    done

FROM source AS build-graph-sim
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package atlas-graph-sim \
    && mkdir /programs \
    && strip --strip-all -o /programs/atlas-graph-sim target/release/atlas-graph-sim

# What the programs are made of.
FROM source AS sbom
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo xtask sbom && cp -r target/sbom /sbom

FROM scratch AS debug
COPY --from=build /debug/ /

FROM debian:12.14-slim AS system
# Microsoft Graph is reached over TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent atlas
USER 10001

FROM system AS graph-sim
COPY --from=build-graph-sim /programs/ /usr/local/bin/
COPY --from=sbom /sbom/atlas-graph-sim.cdx.json /usr/share/sbom/
CMD ["atlas-graph-sim"]

FROM system AS programs
COPY --from=build /programs/ /usr/local/bin/
COPY --from=sbom /sbom/atlas.cdx.json /sbom/atlas-api.cdx.json /sbom/atlas-worker.cdx.json \
    /usr/share/sbom/
CMD ["atlas-api", "serve"]
