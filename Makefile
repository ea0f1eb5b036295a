# Installs what `npm run build` makes: one file, man pages, completions.
#
#   make install PREFIX=~/.local      make uninstall PREFIX=~/.local
#
# DESTDIR stands before everything, for those who make packages.
PREFIX ?= /usr/local
BIN = $(DESTDIR)$(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share
SECTIONS = 1 5 7
COMPLETIONS = bash-completion/completions/kelp zsh/site-functions/_kelp fish/vendor_completions.d/kelp.fish

.PHONY: all install uninstall
all: dist/kelp

dist/kelp:
	npm ci && npm run build

install: dist/kelp
	install -D -m 755 dist/kelp $(BIN)/kelp
	for section in $(SECTIONS); do for page in man/*.$$section; do \
	  install -D -m 644 $$page $(SHARE)/man/man$$section/$${page#man/} || exit; done; done
	install -D -m 644 completions/kelp.bash $(SHARE)/$(word 1,$(COMPLETIONS))
	install -D -m 644 completions/kelp.zsh $(SHARE)/$(word 2,$(COMPLETIONS))
	install -D -m 644 completions/kelp.fish $(SHARE)/$(word 3,$(COMPLETIONS))

uninstall:
	rm -f $(BIN)/kelp $(addprefix $(SHARE)/,$(COMPLETIONS))
	for section in $(SECTIONS); do for page in man/*.$$section; do \
	  rm -f $(SHARE)/man/man$$section/$${page#man/}; done; done
