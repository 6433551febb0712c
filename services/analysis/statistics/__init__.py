"""The methods of the picture: pure functions from numbers to what they bear; no clock, no SQL, no municipality.

``counts`` (one count, two counts, limits) · ``effect`` (did a measure help) · ``rates`` (stable rates, ranks) ·
``ears`` ``bayes`` ``cusum`` ``farrington`` (is this week unusual) · ``multiplicity`` (many tests at once) ·
``clusters`` (space-time scan) · ``hotspots`` (where is it dense, and how well did last period's map hit) · ``repeats``
(near repeats) · ``density`` (pictures only) · ``trend`` · ``delays`` (reports that come late) · ``surveys``.
Unknown time is spread by ``views.rhythm``. Formulas are numbered after the project's statistics reference (§4).
scipy and statsmodels are imported where they are called: half a second that no process should pay at its start.
"""
