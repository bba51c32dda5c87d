# Names for those used to make; the commands themselves stand in README.md.
.PHONY: run test demo

run:
	python3 run.py

test:
	python3 run.py test

demo:
	python3 run.py demo --json
