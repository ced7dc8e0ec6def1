# Stops the server when the last process that uses it is gone, however it went: this shell waits on a pipe whose other end only that
# process holds, so the kernel itself reports its death. One watchdog per user; whose user was the last one stops the server.
# Started by watchdog.ts with: users folder, name of our user's file, cluster folder, uid of the server, folder to remove afterwards or "".
# Needs nothing but a POSIX shell, mv, rm and sleep.

users=$1 mine=$2 cluster=$3 uid=$4 remove=$5

# When process $1 began; the same value as processStart of process-identity.ts.
began() {
  if [ -d /proc/self ]; then
    { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
    set -- ${stat##*) }
    [ "$1" = Z ] || echo "${20}"
  else
    LC_ALL=C ps -o lstart= -p "$1" | sed 's/ *$//'
  fi
}

# Is process $1 a server of ours, or still making its data? A reused process id must not be shot.
is_server() {
  name= state= owner=
  [ -n "$1" ] || return 1
  if [ -d /proc/self ]; then
    { while read -r key value rest; do
      case $key in Name:) name=$value ;; State:) state=$value ;; Uid:) owner=$value ;; esac
    done < "/proc/$1/status"; } 2> /dev/null
  else
    set -- $(ps -o uid=,state=,ucomm= -p "$1")
    owner=$1 state=$2 name=$3
  fi
  case $name in postgres | initdb) [ "$owner" = "$uid" ] && [ "$state" != Z ] ;; *) false ;; esac
}

# Fast shutdown, after 20 s an immediate one, after 30 s by force.
stop() {
  kill -INT "$1"
  tenths=0
  while is_server "$1" && [ $tenths -lt 310 ]; do
    case $tenths in 200) kill -QUIT "$1" ;; 300) kill -KILL "$1" ;; esac
    sleep 0.1
    tenths=$((tenths + 1))
  done
}

main() {
  trap '' HUP INT TERM
  told=
  while read -r line; do told=$line; done

  # From here on whoever wants to use the server waits until we are done (waitForStoppers in watchdog.ts) ...
  began $$ > "$users/$$.stopping"
  rm -f "$users/$mine"
  # Data in the making are ours alone; nobody else waits for them.
  if is_server "$told" && [ "$name" = initdb ]; then stop "$told"; fi
  # ... so a user that we do not see now will see us.
  for file in "$users"/*; do
    user=${file##*/}
    case $user in *.stopping) continue ;; esac
    since=
    { read -r since < "$file"; } 2> /dev/null
    if [ -n "$since" ] && [ "$(began "${user%%.*}")" = "$since" ]; then
      rm -f "$users/$$.stopping"
      return
    fi
    rm -f "$file"
  done

  running=
  { read -r running < "$cluster/postmaster.pid"; } 2> /dev/null
  for process in $told $running; do
    if is_server "$process"; then stop "$process"; fi
  done
  rm -f "$users/$$.stopping"
  if [ -n "$remove" ]; then rm -rf "$remove"; fi
}

main "$@"
exit
