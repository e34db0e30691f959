# The site that the fleet crawls: files, served by the web server that is in busybox.
ARG BASE=busybox:1.37
FROM ${BASE}
COPY site /site
EXPOSE 80
# As the first process of a container it would not hear another.
STOPSIGNAL SIGKILL
CMD ["busybox", "httpd", "-f", "-p", "80", "-h", "/site"]
