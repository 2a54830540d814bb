"""From trained models to a world that people play: names of buttons, prompts and a card."""
