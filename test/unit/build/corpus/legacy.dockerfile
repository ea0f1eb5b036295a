FROM centos:7
MAINTAINER Somebody Old <old@example.com>
ADD . /opt/app
ENV JAVA_HOME /usr/lib/jvm/java
RUN yum -y update; yum -y install httpd \
 && yum clean all
EXPOSE 80
CMD /usr/sbin/httpd -D FOREGROUND
