"""Pure decisions of the voice: what there is to tell, whom, when, and until when it still makes sense."""
