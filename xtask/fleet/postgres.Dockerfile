# Stands in for the official image of PostgreSQL where no registry can be reached: Debian's packages, set up by the same
# variables.
FROM trawl-fleet/debian:bookworm
RUN apt-get update -qq \
    && mkdir -p /etc/postgresql-common \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /usr/lib/postgresql/*/bin/postgres /usr/lib/postgresql/*/bin/initdb /usr/lib/postgresql/*/bin/pg_ctl \
        /usr/local/bin/
COPY --chmod=755 start-postgres /usr/local/bin/
# As the official image has it: end now, and not when the last client has gone.
STOPSIGNAL SIGINT
CMD ["start-postgres"]
