"""Shell commands that let clients reach the stack without the user's proxies."""

_NAMES = ("no_proxy", "NO_PROXY")  # curl and Python prefer the first, Go the second


def bypass_proxies(address: str) -> str:
    """Return lines for a POSIX shell that add ``address`` to the hosts that are reached without a proxy, once; the user's are kept."""
    add = '*) {name}="${{{name}:+${name},}}{address}" ;;'
    lines = (f'case ",${name}," in *",{address},"*) ;; {add.format(name=name, address=address)} esac' for name in _NAMES)
    return "\n".join(('no_proxy="${no_proxy:-${NO_PROXY:-}}"', 'NO_PROXY="${NO_PROXY:-$no_proxy}"', *lines, "export no_proxy NO_PROXY\n"))
