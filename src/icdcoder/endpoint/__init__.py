"""Language models behind an OpenAI-compatible address (vLLM, llama.cpp, Ollama, …): asked, guarded, recorded."""
