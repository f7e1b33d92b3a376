# Sourced by tests/run and tests/soak: runs a command as a named step, shows that it lives, ends it with everything it started.

step_names=()
step_results=()
step_seconds=()
step_group=""

say() { printf '%s\n' "$*"; }

left_out() { case " $without " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# step NAME COMMAND…: output goes to $logs/NAME.log; a failed step's is shown. Goes on after a failure, so that one run tells all.
step() {
    local name=$1 log=$logs/$1.log began=$SECONDS code=0 told=0 pid
    shift
    say "── $name"
    # Job control gives the step a process group of its own: whatever it starts can be ended with it.
    set -m
    "$@" >"$log" 2>&1 &
    pid=$!
    set +m
    step_group=$pid
    while kill -0 "$pid" 2>/dev/null; do
        # `wait` on a short sleep, not `sleep` itself: a signal to this script is then handled at once.
        sleep 1 & wait $!
        if [ $((SECONDS - began - told)) -ge 20 ]; then
            told=$((SECONDS - began))
            say "   $told s: $(grep -v '^ *$' "$log" | tail -n 1 | cut -c1-110)"
        fi
        if [ $((SECONDS - began)) -ge "$step_limit" ]; then
            say "   ended: it took longer than $step_limit s"
            kill -KILL -- "-$pid" 2>/dev/null
        fi
    done
    wait "$pid" || code=$?
    # A step that ended may leave something behind: a test that was killed, a daemon that it had started.
    kill -KILL -- "-$pid" 2>/dev/null
    step_group=""
    step_names+=("$name") step_results+=("$code") step_seconds+=("$((SECONDS - began))")
    if [ "$code" = 0 ]; then
        say "   ok, $((SECONDS - began)) s"
    else
        say "   FAILED (exit code $code) after $((SECONDS - began)) s. From $log:"
        what_failed "$log" | sed 's/^/   | /'
    fi
    return "$code"
}

# what_failed LOG: of each failed test what it said of its failure, without the daemons' everyday lines and at most 60 lines of each;
# where no test says so (it didn't build), the end of the log.
what_failed() {
    if grep -q '^failures:$' "$1"; then
        awk '
            /^failures:$/ { on = 1; lines = 0 }
            /^test result: / { on = 0 }
            /^---- .* ----$/ { lines = 0 }
            on && !/ (INFO|DEBUG) / && !/^ +[0-9]+: |^ +at |^note: / && lines++ < 60 { print substr($0, 1, 400) }
        ' "$1"
        grep -E '^error: ' "$1"
    else
        grep -vE '^ +(Checking|Compiling|Downloaded|Downloading|Fresh) ' "$1" | tail -n 150
    fi
}

# failed_tests LOG: their names.
failed_tests() { grep -hE '^test .* \.\.\. FAILED$' "$1" 2>/dev/null | sed -E 's/^test (.*) \.\.\. FAILED$/\1/'; }

stop_step() { [ -n "$step_group" ] && kill -KILL -- "-$step_group" 2>/dev/null; step_group=""; }

# count WORD LOG: sums "12 passed; 0 failed; …" over the test programs of a log.
count() { grep -E '^test result: ' "$2" 2>/dev/null | grep -oE "[0-9]+ $1" | awk '{ sum += $1 } END { print sum + 0 }'; }

# summary: a table of the steps, then the line that scripts read. A failed step without a failed test counts as one failure.
summary() {
    local index failed passed broken=0 mark
    passed=$(count passed "$logs/tests.log") failed=$(count failed "$logs/tests.log")
    say ""
    say "$title: $((SECONDS / 60)) min $((SECONDS % 60)) s"
    for index in "${!step_names[@]}"; do
        mark="ok    "
        if [ "${step_results[$index]}" != 0 ]; then
            mark="FAILED"
            { [ "${step_names[$index]}" = tests ] && [ "$failed" -gt 0 ]; } || broken=$((broken + 1))
        fi
        printf '   %s  %-8s %4d s\n' "$mark" "${step_names[$index]}" "${step_seconds[$index]}"
    done
    for index in "${!server_notes[@]}"; do say "   with    ${server_notes[$index]}"; done
    for index in $without; do
        case $index in
            schemathesis) say "   WITHOUT schemathesis: the API was not held against its description" ;;
            npm) say "   WITHOUT npm: tests with \"published\" in their name did not run" ;;
            *) say "   WITHOUT $index: tests with \"$index\" in their name did not run" ;;
        esac
    done
    say "   tests   $passed passed, $failed failed, $(count ignored "$logs/tests.log") ignored, $(count 'filtered out' "$logs/tests.log") filtered out"
    failed_tests "$logs/tests.log" | sed 's/^/   FAILED  /'
    # A filter that meets no test, or a log that can't be read: nothing was shown, so nothing passed.
    [ "$passed" = 0 ] && [ $((failed + broken)) = 0 ] && { say "   no test ran at all, which counts as a failure"; broken=1; }
    say "$passed passed, $((failed + broken)) failed"
    [ $((failed + broken)) = 0 ]
}
