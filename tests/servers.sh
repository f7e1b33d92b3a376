# Sourced by tests/run and tests/soak: finds, installs and starts private PostgreSQL and Redis/Valkey servers.
#
# Every server lives in $scratch, listens on 127.0.0.1 alone and is ended by its pid in `stop_servers`.
# Nothing here touches a server that was already running on the machine.

server_pids=()
server_notes=()

# The folder with initdb and postgres, newest version first; fails where there is none of version 15 or later.
find_postgres() {
    local candidate version
    for candidate in "${CONDUCTOR_TEST_PG_BIN:-}" \
        $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -rV) \
        "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
        [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ] || continue
        version=$("$candidate/postgres" --version | grep -oE '[0-9]+' | head -n 1)
        [ "$version" -ge 15 ] && { echo "$candidate"; return 0; }
    done
    return 1
}

find_valkey() { command -v valkey-server || command -v redis-server; }

find_npm() { command -v npm; }

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# apt_install PACKAGE: without starting the packaged service, which would take the machine's well-known port.
apt_install() {
    local policy=/usr/sbin/policy-rc.d placed=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && placed=$policy && policy_placed=$policy
    fi
    {
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1"
    } >"$logs/install-$1.log" 2>&1
    local code=$?
    [ -n "$placed" ] && rm -f "$placed" && policy_placed=""
    [ $code = 0 ] || { say "installing $1 failed:"; tail -n 20 "$logs/install-$1.log"; }
    return $code
}

# require_server NAME FINDER PACKAGE HINT: prints nothing; leaves the finding in $found, installs where it may, else explains and fails.
require_server() {
    local name=$1 finder=$2 package=$3 hint=$4
    found=$($finder) && return 0
    if may_install; then
        say "$name not found: installing the package $package"
        apt_install "$package" && found=$($finder) && return 0
    fi
    say "cannot test without $name. $hint"
    say "or leave its tests out, which the summary will say: --without ${finder#find_}"
    return 1
}

# PostgreSQL refuses to run as root. Replaces this (sub)shell, so that the server's pid is the one that was started.
exec_unprivileged() {
    if [ "$(id -u)" != 0 ]; then exec "$@"; fi
    exec setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups "$@"
}

# Below the range that the kernel gives to outgoing connections, so that none of those can take it in between.
free_port() {
    local port
    while :; do
        port=$((15000 + RANDOM % 17000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

# ready PID LOG: until the server says so in its log; fails when it is gone (say, its port was taken) or after 30 s.
# The log and not the port: another program may have got the port, and PostgreSQL listens before it serves.
ready() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        grep -qsi 'ready to accept connections' "$2" && return 0
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 1
}

start_postgres() {
    local bin=$1 data=$scratch/postgres attempt port pid
    if [ "$(id -u)" = 0 ]; then
        command -v setpriv >/dev/null || { say "PostgreSQL won't run as root and setpriv (util-linux) is missing: run as another user"; return 1; }
        id postgres >/dev/null 2>&1 && server_user=postgres || server_user=nobody
    fi
    mkdir "$data" && chmod 711 "$scratch"
    [ "$(id -u)" = 0 ] && chown "$server_user" "$data"
    # Trust is for loopback alone, in a folder that lives as long as this run.
    (cd / && exec_unprivileged "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync) >"$logs/initdb.log" 2>&1 ||
        { say "initdb failed:"; cat "$logs/initdb.log"; return 1; }
    for attempt in 1 2 3; do
        port=$(free_port)
        # fsync off: these databases needn't outlive a power cut. Durability is tested on servers that tests start themselves.
        (cd / && exec_unprivileged "$bin/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
            -c max_connections=300 -c fsync=off -c full_page_writes=off) >"$logs/postgres.log" 2>&1 &
        pid=$! starting=$pid
        if ready "$pid" "$logs/postgres.log"; then
            server_pids+=("INT:$pid")
            export CONDUCTOR_TEST_PG_BIN=$bin CONDUCTOR_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
            server_notes+=("PostgreSQL $("$bin/postgres" --version | grep -oE '[0-9]+(\.[0-9]+)?' | head -n 1) on port $port")
            starting=""
            return 0
        fi
    done
    say "PostgreSQL did not start:"; tail -n 20 "$logs/postgres.log"
    return 1
}

start_valkey() {
    local binary=$1 attempt port pid
    mkdir "$scratch/valkey"
    for attempt in 1 2 3; do
        port=$(free_port)
        "$binary" --bind 127.0.0.1 --port "$port" --dir "$scratch/valkey" --save '' --appendonly no --daemonize no >"$logs/valkey.log" 2>&1 &
        pid=$! starting=$pid
        if ready "$pid" "$logs/valkey.log"; then
            server_pids+=("TERM:$pid")
            export CONDUCTOR_TEST_VALKEY_BIN=$binary CONDUCTOR_TEST_VALKEY_URL="redis://127.0.0.1:$port"
            server_notes+=("$(basename "$binary") $("$binary" --version | grep -oE 'v=[0-9.]+' | cut -c3-) on port $port")
            starting=""
            return 0
        fi
    done
    say "$(basename "$binary") did not start:"; tail -n 20 "$logs/valkey.log"
    return 1
}

# provide_npm: unless $without names it. It fetches what tests read and nobody may copy into this repository.
provide_npm() {
    left_out npm || require_server npm find_npm npm "Debian, Ubuntu: apt-get install npm. Others: https://nodejs.org."
}

# provide_servers: those that $without doesn't name.
provide_servers() {
    if ! left_out postgres; then
        require_server "PostgreSQL 15 or later" find_postgres postgresql \
            "Debian, Ubuntu: apt-get install postgresql. Others: put initdb and postgres on the PATH or set CONDUCTOR_TEST_PG_BIN to their folder." || return 1
        start_postgres "$found" || return 1
    fi
    if ! left_out valkey; then
        require_server "Redis or Valkey" find_valkey redis-server \
            "Debian, Ubuntu: apt-get install redis-server (or valkey-server). Others: put valkey-server or redis-server on the PATH." || return 1
        start_valkey "$found" || return 1
    fi
}

# Ends what was started here and waits for it, so that no data folder is removed under a living server.
stop_servers() {
    local entry
    for entry in "${server_pids[@]}"; do kill -"${entry%%:*}" "${entry#*:}" 2>/dev/null; done
    for entry in "${server_pids[@]}"; do wait "${entry#*:}" 2>/dev/null; done
    server_pids=()
    [ -n "${starting:-}" ] && kill -KILL "$starting" 2>/dev/null
    [ -n "${policy_placed:-}" ] && rm -f "$policy_placed"
    return 0
}
