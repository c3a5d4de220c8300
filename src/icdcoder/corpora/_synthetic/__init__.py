"""The parts of the corpus `synthetic`, in the order in which a note comes about:

laboratory (which conditions and wordings) → admissions (who has what) → telling (what is said where) → writer (the
note). phrases, templates and labels are what they speak of; filler is the rest of the text. The three TOML files are
the clinical content: patients (what comes together), mentions (sentences that tell), filler (sentences that do not).
"""
