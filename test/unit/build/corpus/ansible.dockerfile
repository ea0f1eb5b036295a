FROM docker.io/library/fedora:40
ENV container=docker
RUN dnf -y install systemd ansible-core python3-libdnf5 && dnf clean all
RUN cd /lib/systemd/system/sysinit.target.wants/ && for i in *; do [ "$i" = systemd-tmpfiles-setup.service ] || rm -f "$i"; done; \
    rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/*
VOLUME [ "/sys/fs/cgroup" ]
STOPSIGNAL SIGRTMIN+3
CMD ["/usr/sbin/init"]
