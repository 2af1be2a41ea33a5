#!/bin/sh
# Writes ./secrets, which docker-compose.yml mounts: the passwords of PostgreSQL and Redis, the URLs
# with them, and the key of the tenants' secrets. What is there already stays as it is, so that it may
# be run again, and a password of one's own (letters and digits) may be put there first.
set -eu
cd -- "$(dirname -- "$0")"
umask 077
mkdir -p secrets

random() { od -A n -t x1 -N 24 /dev/urandom | tr -d ' \n'; }

# put NAME TEXT: only where there is no such file.
put() { [ -s "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"; }

# password NAME: what the file holds, if it can stand in a URL.
password() {
    value=$(cat "secrets/$1")
    case $value in
    '' | *[!A-Za-z0-9]*)
        echo "secrets/$1 has to hold letters and digits only" >&2
        exit 1
        ;;
    esac
    printf '%s' "$value"
}

put postgres_password "$(random)"
put redis_password "$(random)"
put secret_keys "k1:$(head -c 32 /dev/urandom | base64)"
postgres=$(password postgres_password)
redis=$(password redis_password)
put database_url "postgres://atlas:$postgres@postgres:5432/tenantatlas"
put redis_url "redis://:$redis@redis:6379"
put redis_conf "requirepass $redis"

# Compose mounts these files with the mode that they have here, for users of other numbers; the
# directory keeps other users of this machine out.
chmod 0444 secrets/*
