FROM a
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://mirrors.example.org/linux-0.01.tar.gz /
ADD --keep-git-dir=true https://git.example.com/team/repo.git#v0.1:docs /buildkit
ADD git@git.example.com:team/repo.git#main /src
ADD --unpack=true https://example.com/a.tar /x/
ADD --link --chown=1000:1000 --exclude=*.md --exclude=!keep.md dir /dir/
ADD ["with space.txt", "/dest dir/"]
