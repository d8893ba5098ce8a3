"""The conformance kit: tells a vendor what is right and wrong with its bundle, or with a server that it talks to."""
