# The stats server without Lambda: Redis in, HTTP out. "make image" compiles the program and calls
# this.
# Nothing else is in the image, so nothing has to be pulled or patched.
FROM scratch
COPY stats /stats
ENV LISTEN=0.0.0.0:8080
EXPOSE 8080
USER 65532:65532
ENTRYPOINT ["/stats"]
