# Stands in for gcr.io/distroless/cc-debian12:nonroot where no registry can be reached: the C library, certificates, time
# zones and one account. Like its model it has no shell, so what needs one fails here too.
FROM trawl-fleet/debian:bookworm AS debian
RUN mkdir -p /image/tmp /image/home/nonroot \
    && chmod 1777 /image/tmp \
    && chown 65532:65532 /image/home/nonroot \
    && cd / \
    && cp --archive --dereference --parents --target-directory=/image \
        lib64/ld-linux-*.so.* lib/*-linux-gnu/libc.so.* lib/*-linux-gnu/libm.so.* lib/*-linux-gnu/libgcc_s.so.* \
        usr/lib/*-linux-gnu/libstdc++.so.6 etc/ssl/certs/ca-certificates.crt usr/share/zoneinfo etc/nsswitch.conf \
    && echo 'root:x:0:0:root:/root:/sbin/nologin' > /image/etc/passwd \
    && echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >> /image/etc/passwd \
    && echo 'nonroot:x:65532:' > /image/etc/group

FROM scratch
COPY --from=debian /image/ /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
