"""Toy Pets: procedural dogs and cats, rendered with Blender's Cycles."""
