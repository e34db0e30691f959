# One image with every binary of the house. It starts none by itself; say which:
#   docker build -t trawl .
#   docker run --rm trawl scraper --help
# The base images can be replaced with --build-arg: the second must be the Debian release of the first, or newer.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUN_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY . .
# One program with a link for each service (trawl/src/binaries.rs): six would be the same libraries six times. Kafka with TLS builds librdkafka and OpenSSL
# from source; the build image has the C compiler, make and perl that they need. What was compiled stays in the caches, so
# that a second build compiles only what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --profile dist --package trawl --bin trawl --features fleet,trawl-shared/kafka-tls \
    && mkdir /out \
    && cp target/dist/trawl /out/ \
    && for name in url-manager scraper parser storage dlq-handler; do ln -s trawl /out/$name; done

# glibc, CA certificates and time zones; no shell and no package manager.
FROM ${RUN_IMAGE}
LABEL org.opencontainers.image.title="Trawl" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.description="A distributed web crawler: five services on Kafka and PostgreSQL" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/trawl/
COPY --from=build /out/ /usr/local/bin/
# Distroless' `nonroot`, as a number, so that an orchestrator can see that it is not root.
USER 65532:65532
# Where `trawl crawl` keeps its data unless it is told otherwise.
WORKDIR /home/nonroot
# Loopback, the default, would be the container's own, where nobody is.
ENV TRAWL_TELEMETRY_LISTEN=0.0.0.0:9400
EXPOSE 9400
# Every binary asks the same address, so one check does for each of the services.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["parser", "health"]
