# Sourced by tests/run: schemathesis asks a running daemon everything that its own /openapi.json describes.
#
# The program comes from PyPI into a virtual environment of its own, once; nothing else on the machine changes. What is left
# out of its checks, and why, stands in tests/schemathesis.toml.

schemathesis_version=4.32.5

# provide_schemathesis: leaves the program in $schemathesis, installs it where it is missing, else explains and fails.
provide_schemathesis() {
    local folder=${CONDUCTOR_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/conductor-e}/schemathesis-$schemathesis_version
    local log=$logs/install-schemathesis.log
    schemathesis=$folder/bin/schemathesis
    # Written last, so that an installation that was interrupted begins anew.
    [ -e "$folder/installed" ] && "$schemathesis" --version >/dev/null 2>&1 && return 0
    say "installing schemathesis $schemathesis_version into $folder"
    rm -rf "$folder" && mkdir -p "$folder" || return 1
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >"$log" 2>&1 && may_install; then
        say "Python 3.10 or later with venv not found: installing the package python3-venv"
        apt_install python3-venv
    fi
    if python3 -m venv "$folder" >"$log" 2>&1 &&
        "$folder/bin/python" -m pip install --disable-pip-version-check "schemathesis==$schemathesis_version" >>"$log" 2>&1; then
        touch "$folder/installed"
        return 0
    fi
    say "cannot test the API's description without schemathesis; from $log:"
    tail -n 5 "$log" | sed 's/^/   | /'
    say "Needed: python3 (3.10 or later) with venv and pip, and PyPI or a mirror that pip is set up for."
    say "Debian, Ubuntu: apt-get install python3-venv. Or leave it out, which the summary will say: --without schemathesis"
    return 1
}

# What the step runs, twice, each time on a store of its own and with GitHub's door open, so that it is asked as well:
# all of it where identity is open (the default on loopback, where callers are not counted), and then, where a token is asked
# for, whether anything is answered without.
ask_everything() {
    local program=$1 configurations=$2 token code=0
    serve_to_schemathesis "$program" open &&
        ask "$configurations/schemathesis.toml" --checks all --exclude-checks ignored_auth \
            --phases examples,coverage,fuzzing,stateful || code=1
    end_daemon || code=1
    mkdir -p "$scratch/schemathesis/token" && token=$(CONDUCTOR_DATA_DIR=$scratch/schemathesis/token "$program" token create \
        --person schemathesis --role operator --json | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
    serve_to_schemathesis "$program" token &&
        ask "$configurations/schemathesis-token.toml" --checks ignored_auth --phases examples,coverage \
            --header "Authorization: Bearer $token" || code=1
    end_daemon || code=1
    if grep -E 'panicked at|ERROR' "$logs"/schemathesis-daemon-*.log; then
        echo "error: the daemon's log has the above"
        code=1
    fi
    return "$code"
}

# serve_to_schemathesis PROGRAM IDENTITY: leaves where it listens in $url.
serve_to_schemathesis() {
    local folder=$scratch/schemathesis/$2 log=$logs/schemathesis-daemon-$2.log tries
    url=""
    mkdir -p "$folder" && cd "$folder" && printf '[limits]\nenabled = false\n' >"$folder/limits.toml" || return 1
    env -i PATH="$PATH" HOME="${HOME:-/}" CONDUCTOR_BIND=127.0.0.1:0 CONDUCTOR_DATA_DIR="$folder" CONDUCTOR_IDENTITY="$2" \
        CONDUCTOR_CONFIG="$folder/limits.toml" GITHUB_WEBHOOK_SECRET="only for this run" "$1" serve >"$log" 2>&1 &
    daemon=$!
    for ((tries = 0; tries < 600; tries++)); do
        url=$(sed -n 's/^listening on \([^ ]*\).*/\1/p' "$log")
        [ -n "$url" ] && return 0
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    echo "error: the daemon did not start:"
    cat "$log"
    return 1
}

ask() { NO_COLOR=1 "$schemathesis" --config-file "$1" run "$url/openapi.json" "${@:2}"; }

end_daemon() {
    kill -TERM "$daemon" 2>/dev/null
    wait "$daemon" || { echo "error: the daemon ended with $?"; return 1; }
}
