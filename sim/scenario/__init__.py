"""What the user writes: one YAML document, read into frozen specs, or refused with every reason.

To read this folder, start with `document` (the whole) and go on to `route`, `pool` and `bill`
(its parts). `load` is the way in, `yaml12` and `explain` are how its messages find their lines,
`resolved` is the way out.
"""
