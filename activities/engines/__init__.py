"""The engines, one file each, behind the port of `base`; `registry` finds them."""
