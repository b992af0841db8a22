#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The figures for Prometheus: served read only by an unprivileged process, understood by Prometheus
# itself, and what dashboard and alerts ask of them has an answer.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT
conf=$PWD/../../conf

lab_up
chmod 755 "$LAB_DIR"
lab_conf
cat >>"$LAB_DIR/nsrpd.conf" <<-EOF
	[monitor server]
	type = ping
	target = $SERVER
EOF
serve() { # NODE
	ip netns exec "$LAB-$1" "$NSRPCTL" -r "$LAB_DIR/$1/run" metrics --listen 127.0.0.1:9417 \
		>"$LAB_DIR/$1/metrics.log" 2>&1 &
	LAB_PIDS+=" $!"
	disown "$!"
	eval "SERVER_$1=$!"
}
get() { # NODE [METHOD PATH]: status and type, then the body
	on "$1" python3 - "${2:-GET}" "${3:-/metrics}" <<-'PY'
		import http.client, sys
		c = http.client.HTTPConnection("127.0.0.1", 9417, timeout=8)
		c.request(sys.argv[1], sys.argv[2])
		r = c.getresponse()
		print(r.status, r.getheader("Content-Type"))
		print(r.read().decode(), end="")
	PY
}
says() { # NODE LINE
	get "$1" 2>/dev/null | grep -qxF "$2"
}

serve fw1
serve fw2
check "without a daemon it serves that nothing is up" wait_for 5 says fw1 "nsrpd_up 0"
lab_pair
check "then that it is" says fw1 "nsrpd_up 1"
head_of() { [ "$(get fw1 | sed -n 1p)" = "200 application/openmetrics-text; version=1.0.0; charset=utf-8" ]; }
check "the type is that of OpenMetrics" head_of
answers() { [ "$(get fw1 "$1" "$2" | sed -n 1p | cut -d' ' -f1)" = "$3" ]; }
check "HEAD is answered" answers HEAD /metrics 200
check "there is no other page" answers GET / 404
check "and nothing to be changed" answers POST /metrics 405
verb() { ctl "$1" metrics | grep -qxF "$2"; }
check "the verb prints the same" verb fw1 'nsrpd_group_state{group="0",node="fw1",nsrpd_group_state="master"} 1'
check "of the peer, too" wait_for 5 verb fw2 'nsrpd_group_state{group="0",node="fw1",nsrpd_group_state="master"} 1'
many() {
	local pids=() i
	for i in $(seq 12); do
		says fw1 "nsrpd_up 1" &
		pids+=("$!")
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
}
check "twelve ask at once" many

cat >"$LAB_DIR/prometheus.yml" <<-EOF
	global: { scrape_interval: 500ms, evaluation_interval: 500ms }
	rule_files: [ $LAB_DIR/nsrpd.rules.yml ]
	scrape_configs:
	  - job_name: nsrpd
	    static_configs: [ { targets: [ "127.0.0.1:9417" ] } ]
EOF
# The same rules, that do not wait.
sed -E 's/for: [0-9]+[sm]/for: 0s/' "$conf/prometheus/nsrpd.rules.yml" >"$LAB_DIR/nsrpd.rules.yml"
rules() { promtool check rules "$conf/prometheus/nsrpd.rules.yml" >"$LAB_DIR/rules.log" 2>&1; }
check "the rules are well-formed" rules
ip netns exec "$LAB-fw1" prometheus --config.file="$LAB_DIR/prometheus.yml" \
	--storage.tsdb.path="$LAB_DIR/prometheus" --web.listen-address=127.0.0.1:9090 \
	--log.level=warn >"$LAB_DIR/prometheus.log" 2>&1 &
LAB_PIDS+=" $!"
disown "$!"
query() { on fw1 promtool query instant http://127.0.0.1:9090 "$1" 2>/dev/null; }
has() { [ -n "$(query "$1")" ]; }
check "Prometheus understands it" wait_for 20 has 'nsrpd_up == 1'
lines() { ctl fw1 metrics | grep -vc '^#'; }
kept() { [ "$(query 'count({__name__=~"nsrpd_.*"})' | sed -n 's/.*=> \([0-9]*\) .*/\1/p')" = "$(lines)" ]; }
check "and keeps each sample" wait_for 10 kept
expressions() { jq -r '.panels[].targets[].expr' "$conf/grafana/nsrpd.json"; }
while IFS= read -r expression; do
	check "the dashboard's $expression has an answer" wait_for 10 has "$expression"
done < <(expressions)
known() { # each name in dashboard and rules is one of the text
	local name missing=0
	ctl fw1 metrics | grep -oE '^nsrpd_[a-z_]+' | sort -u >"$LAB_DIR/names"
	while read -r name; do
		grep -qx "$name" "$LAB_DIR/names" || {
			echo "# no such name: $name"
			missing=1
		}
	done < <({
		expressions
		grep 'expr:' "$conf/prometheus/nsrpd.rules.yml"
	} | grep -oE 'nsrpd_[a-z_]+' | grep -vE '^nsrpd_(drop|refused)_$' | sort -u)
	return $missing
}
check "dashboard and rules ask for nothing that is not there" known
firing() { query 'ALERTS{alertstate="firing"}' | grep -oE 'alertname="[^"]*"' | sort -u | cut -d'"' -f2 | xargs; }
quiet() { [ -z "$(firing)" ] || {
	echo "# firing: $(firing)"
	false
}; }
check "no alert when all is well" quiet
fires() { [[ " $(firing) " == *" $1 "* ]]; }
lab_stop fw2
check "a peer that stopped is one" wait_for 10 fires NsrpdPeerLost
check "and its links are" wait_for 10 fires NsrpdLinkLost
on server ip link set eth0 down
check "a monitor that fails is one" wait_for 15 fires NsrpdMonitorFails
on server ip link set eth0 up
passes() { ctl fw1 metrics | grep -qxF 'nsrpd_monitor_ok{monitor="server",type="ping"} 1'; }
check "until it passes again" wait_for 15 passes
lab_start fw2
wait_state fw2 primary-backup
check "later there is none any more" wait_for 20 quiet
lab_stop fw1
check "a daemon that does not answer is one" wait_for 10 fires NsrpdDown

cp "${NSRPCTL_RELEASE:-$NSRPCTL}" "$LAB_DIR/nsrpctl"
as_nobody() {
	on fw2 setpriv --reuid 65534 --regid 65534 --clear-groups "$LAB_DIR/nsrpctl" \
		-r "$LAB_DIR/fw2/run" metrics >"$LAB_DIR/out" 2>&1
	[ $? = 3 ] && grep -q 'no permission' "$LAB_DIR/out"
}
chmod 755 "$LAB_DIR/fw2"
check "whoever may not read gets no figures" as_nobody
in_use() {
	refused on fw2 "$NSRPCTL" -r "$LAB_DIR/fw2/run" metrics --listen 127.0.0.1:9417 &&
		grep -q 'in use' "$LAB_DIR/out"
}
check "an address that is taken is refused" in_use
usage() {
	on fw2 "$NSRPCTL" metrics --listen localhost >"$LAB_DIR/out" 2>&1
	[ $? = 2 ]
}
check "one that is none is, too" usage
alive() { kill -0 "$SERVER_fw1" && kill -0 "$SERVER_fw2"; }
check "the servers live on" alive
exit "$FAILED"
