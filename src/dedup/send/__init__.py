"""The client that brings a bundle to the server: resumes after anything, believes only a receipt that it verified."""
