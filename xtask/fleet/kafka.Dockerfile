# Stands in for apache/kafka where no registry can be reached: the same jars on Debian's Java. Settings come as KAFKA_
# variables and the cluster's id as CLUSTER_ID, as the official image has it.
FROM trawl-fleet/debian:bookworm
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home appuser \
    && install --directory --owner=appuser /var/lib/kafka/data /opt/kafka/config
COPY libs /opt/kafka/libs
COPY log4j2.properties /opt/kafka/config/
COPY --chmod=755 start-kafka /usr/local/bin/
USER appuser
CMD ["start-kafka"]
