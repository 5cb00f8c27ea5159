"""The detectors that come with Seawall: text, image, audio, video, names, personal data, links, banks."""
