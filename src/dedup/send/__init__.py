"""The client that brings a bundle to the server: resumes after anything, and believes only a receipt that it verified."""
