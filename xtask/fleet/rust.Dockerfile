# Stands in for rust:1.95-bookworm where no registry can be reached: Debian's C compiler, and the Rust toolchain of the
# machine that builds (the context is its sysroot).
FROM trawl-fleet/debian:bookworm
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
        g++ gcc libc6-dev make perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY bin /usr/local/rust/bin
COPY lib /usr/local/rust/lib
ENV CARGO_HOME=/usr/local/cargo \
    PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
