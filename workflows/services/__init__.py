"""OpenStack services, one package per project; `oslo` and `endpoint` are shared by them, `cloud` creates what every cloud offers."""
