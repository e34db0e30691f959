# Stands in for busybox where no registry can be reached: Debian's package, of which the site needs the web server.
FROM trawl-fleet/debian:bookworm
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends busybox \
    && rm -rf /var/lib/apt/lists/*
